// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Escrow} from "../../src/escrow/Escrow.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IPayouts} from "../../src/interfaces/IPayouts.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {LegRef} from "../../src/libraries/Types.sol";
import {PhantomPermitToken} from "../helpers/tokens/PhantomPermitToken.sol";
import {EscrowBase} from "./EscrowBase.t.sol";

/// A contract wallet that agrees to one digest.
contract Wallet is IERC1271 {
    bytes32 public agreed;

    function agree(bytes32 digest) external {
        agreed = digest;
    }

    function approve(PhantomPermitToken token, address spender) external {
        token.approve(spender, type(uint256).max);
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == agreed ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

contract EscrowLockSignatureTest is EscrowBase {
    using Addresses for address;

    bytes32 private constant DEAL = keccak256("deal");
    uint256 private constant DEADLINE = START + 10 minutes;

    function test_anyoneMaySendASignedLock() public {
        LegRef memory ref = tokenLeg();
        bytes memory signature = signLock(aliceKey, ref, DEADLINE);
        vm.expectEmit(address(escrow));
        emit IEscrow.Locked(DEAL, keyOf(DEAL, ref), 0);
        vm.prank(settler);
        escrow.lockWithSignature(DEAL, ref, DEADLINE, signature);
        assertEq(token.balanceOf(address(escrow)), AMOUNT);
    }

    function test_aSignatureOpensOneLock() public {
        LegRef memory ref = tokenLeg();
        bytes memory signature = signLock(aliceKey, ref, DEADLINE);
        escrow.lockWithSignature(DEAL, ref, DEADLINE, signature);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AlreadyLocked.selector, keyOf(DEAL, ref)));
        escrow.lockWithSignature(DEAL, ref, DEADLINE, signature);
        settleOne(DEAL, false, ref);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AlreadyLocked.selector, keyOf(DEAL, ref)));
        escrow.lockWithSignature(DEAL, ref, DEADLINE, signature);
    }

    function test_everythingSignedIsBound() public {
        LegRef memory ref = tokenLeg();
        bytes memory signature = signLock(aliceKey, ref, DEADLINE);
        expectInvalid(keccak256("other deal"), ref, DEADLINE, signature);
        expectInvalid(DEAL, ref, DEADLINE + 1, signature);
        ref.index = 1;
        expectInvalid(DEAL, ref, DEADLINE, signature);
        ref = tokenLeg();
        ref.leg.onCommit = settler.toBytes32();
        expectInvalid(DEAL, ref, DEADLINE, signature);
        ref = tokenLeg();
        ref.lockBy -= 1;
        expectInvalid(DEAL, ref, DEADLINE, signature);
        expectInvalid(DEAL, tokenLeg(), DEADLINE, signLock(0xb0b, tokenLeg(), DEADLINE));
        expectInvalid(DEAL, tokenLeg(), DEADLINE, "");
    }

    function test_aSignatureForAnotherHubMeansNothing() public {
        LegRef memory ref = tokenLeg();
        bytes32 foreign = domainOf("other hub", block.chainid, address(escrow));
        expectInvalid(DEAL, ref, DEADLINE, signIn(foreign, aliceKey, ref, DEADLINE));
        foreign = domainOf(HUB, 56, address(escrow));
        expectInvalid(DEAL, ref, DEADLINE, signIn(foreign, aliceKey, ref, DEADLINE));
        foreign = domainOf(HUB, block.chainid, bob);
        expectInvalid(DEAL, ref, DEADLINE, signIn(foreign, aliceKey, ref, DEADLINE));
    }

    function test_refusesAPassedDeadline() public {
        bytes memory signature = signLock(aliceKey, tokenLeg(), DEADLINE);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.SignatureExpired.selector, DEADLINE));
        escrow.lockWithSignature(DEAL, tokenLeg(), DEADLINE, signature);
    }

    function test_refusesNativeCoins() public {
        bytes memory signature = signLock(aliceKey, nativeLeg(), DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidAddress.selector, bytes32(0)));
        escrow.lockWithSignature(DEAL, nativeLeg(), DEADLINE, signature);
    }

    function test_checksTheLegItself() public {
        LegRef memory ref = tokenLeg();
        ref.index = 8;
        bytes memory signature = signLock(aliceKey, ref, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidIndex.selector, 8));
        escrow.lockWithSignature(DEAL, ref, DEADLINE, signature);
    }

    function test_contractsSignByErc1271() public {
        Wallet wallet = new Wallet();
        PhantomPermitToken plain = new PhantomPermitToken();
        plain.mint(address(wallet), AMOUNT);
        wallet.approve(plain, address(escrow));
        LegRef memory ref = legOf(address(plain), AMOUNT, 0);
        ref.leg.depositor = address(wallet).toBytes32();
        expectInvalid(DEAL, ref, DEADLINE, "");
        wallet.agree(digestIn(escrow.domainSeparator(), ref, DEADLINE));
        escrow.lockWithSignature(DEAL, ref, DEADLINE, "");
        assertState(DEAL, ref, IEscrow.LockState.Locked);
    }

    function test_permitInPlaceOfAnAllowance() public {
        withdrawAllowance();
        lockByPermit(tokenLeg());
        assertEq(token.balanceOf(address(escrow)), AMOUNT);
    }

    function test_aPermitUsedByAnotherBlocksNothing() public {
        withdrawAllowance();
        (uint8 v, bytes32 r, bytes32 s) = signPermit(AMOUNT);
        vm.prank(settler);
        token.permit(alice, address(escrow), AMOUNT, DEADLINE, v, r, s);
        bytes memory signature = signLock(aliceKey, tokenLeg(), DEADLINE);
        escrow.lockWithPermit(DEAL, tokenLeg(), DEADLINE, signature, DEADLINE, v, r, s);
        assertEq(token.balanceOf(address(escrow)), AMOUNT);
    }

    function test_Multichain_aPermitThatSeemsToSucceedGivesNothing() public {
        PhantomPermitToken phantom = new PhantomPermitToken();
        phantom.mint(alice, AMOUNT);
        vm.prank(alice);
        phantom.approve(address(escrow), type(uint256).max);
        LegRef memory ref = legOf(address(phantom), AMOUNT, 0);
        ref.leg.onAbort = settler.toBytes32();
        bytes memory forged = signLock(0xbad, ref, DEADLINE);
        vm.expectRevert(IEscrow.InvalidSignature.selector);
        escrow.lockWithPermit(DEAL, ref, DEADLINE, forged, DEADLINE, 27, "r", "s");
    }

    function test_permitNeedsATokenWithCode() public {
        vm.expectRevert(abi.encodeWithSelector(IPayouts.TokenWithoutCode.selector, bob));
        escrow.lockWithPermit(DEAL, legOf(bob, AMOUNT, 0), DEADLINE, "", DEADLINE, 27, "r", "s");
    }

    // ---- helpers

    function withdrawAllowance() private {
        vm.prank(alice);
        token.approve(address(escrow), 0);
    }

    function lockByPermit(LegRef memory ref) private {
        (uint8 v, bytes32 r, bytes32 s) = signPermit(ref.leg.amount);
        escrow.lockWithPermit(DEAL, ref, DEADLINE, signLock(aliceKey, ref, DEADLINE), DEADLINE, v, r, s);
    }

    function signPermit(uint256 amount) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 permit = keccak256(abi.encode(typeHash, alice, address(escrow), amount, token.nonces(alice), DEADLINE));
        return vm.sign(aliceKey, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), permit)));
    }

    function expectInvalid(bytes32 dealId, LegRef memory ref, uint256 deadline, bytes memory signature) private {
        vm.expectRevert(IEscrow.InvalidSignature.selector);
        escrow.lockWithSignature(dealId, ref, deadline, signature);
    }

    /// The domain as the interface documents it, without the contract's code.
    function domainOf(bytes32 hubId, uint256 chainId, address verifying) private pure returns (bytes32) {
        bytes32 typeHash = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
        );
        return
            keccak256(abi.encode(typeHash, keccak256("INFRASTRUKT Escrow"), keccak256("1"), chainId, verifying, hubId));
    }

    function digestIn(bytes32 domain, LegRef memory ref, uint256 deadline) private pure returns (bytes32) {
        bytes32 typeHash = keccak256("Lock(bytes32 dealId,uint8 index,bytes32 legHash,uint256 deadline)");
        bytes32 body = keccak256(abi.encode(typeHash, DEAL, ref.index, legHashOf(ref.leg, ref.lockBy), deadline));
        return keccak256(abi.encodePacked(hex"1901", domain, body));
    }

    function signIn(bytes32 domain, uint256 key, LegRef memory ref, uint256 deadline)
        private
        pure
        returns (bytes memory)
    {
        return sign(key, digestIn(domain, ref, deadline));
    }

    function signLock(uint256 key, LegRef memory ref, uint256 deadline) private view returns (bytes memory) {
        return signIn(domainOf(HUB, block.chainid, address(escrow)), key, ref, deadline);
    }
}
